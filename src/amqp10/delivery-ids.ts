/** Those of the delivery ids from `first` to `last`, around 2^32 if need be, that are known; no others are looked at. */
export function* knownDeliveryIds(known: ReadonlyMap<number, unknown>, first: number, last: number): Iterable<number> {
  const count = ((last - first) >>> 0) + 1;
  if (count <= known.size) {
    for (let index = 0; index < count; index++) {
      const deliveryId = (first + index) >>> 0;
      if (known.has(deliveryId)) yield deliveryId;
    }
    return;
  }
  for (const deliveryId of [...known.keys()]) if ((deliveryId - first) >>> 0 < count) yield deliveryId;
}
