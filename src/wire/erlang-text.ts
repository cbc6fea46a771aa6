/** Binaries and atoms in the notation of RabbitMQ's error texts, which print Erlang terms. */

/** More octets than fit into a reply text of 255 octets, so that what is left out is never seen. */
const OCTETS_MAX = 128;

const ESCAPES = new Map([
  [0x08, "\\b"],
  [0x09, "\\t"],
  [0x0a, "\\n"],
  [0x0b, "\\v"],
  [0x0c, "\\f"],
  [0x0d, "\\r"],
  [0x1b, "\\e"],
  [0x22, '\\"'],
  [0x5c, "\\\\"],
]);

/** An atom: in quotes, unless it is made of the characters that need none. */
export function atomPrinted(atom: string): string {
  return /^[a-z][\w@]*$/.test(atom) ? atom : `'${atom}'`;
}

/** The octets as numbers, `<<0,10,255>>`, the way Erlang's `~w` writes them; those after the 128th as `...`. */
export function octetsAsNumbers(buffer: Buffer, start: number, end: number): string {
  const shown = buffer.subarray(start, Math.min(end, start + OCTETS_MAX));
  return `<<${shown.join(",")}${end - start > OCTETS_MAX ? ",..." : ""}>>`;
}

/** `<<"GET / HT">>` when every octet is printable ASCII, numbers otherwise: the way Erlang's `~p` prints them. */
export function octetsPrinted(buffer: Buffer, start: number, end: number): string {
  if (start === end || end - start > OCTETS_MAX) return octetsAsNumbers(buffer, start, end);
  let text = "";
  for (let offset = start; offset < end; offset++) {
    const octet = buffer[offset] as number;
    const escaped = ESCAPES.get(octet);
    if (escaped === undefined && (octet < 0x20 || octet > 0x7e)) return octetsAsNumbers(buffer, start, end);
    text += escaped ?? String.fromCharCode(octet);
  }
  return `<<"${text}">>`;
}
