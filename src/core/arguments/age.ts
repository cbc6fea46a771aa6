/** Seconds in each unit of an age. */
const UNITS: Readonly<Record<string, number>> = {
  s: 1,
  m: 60,
  h: 3600,
  D: 86_400,
  M: 2_592_000,
  Y: 31_536_000,
};

/**
 * The seconds in an age, a whole number above 0 and a unit of time, e.g. "7D"; undefined when `text` is none.
 * RabbitMQ: "Streams", x-max-age.
 */
export function ageSeconds(text: string | undefined): number | undefined {
  const match = /^([0-9]+)([YMDhms])$/.exec(text ?? "");
  if (match === null) return undefined;
  const seconds = Number(match[1]) * (UNITS[match[2] as string] as number);
  return seconds > 0 ? seconds : undefined;
}
