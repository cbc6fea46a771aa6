export { ManualClock } from "../../src/lib/manual-clock.ts";
