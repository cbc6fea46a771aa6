export { duplexPair } from "../../src/lib/duplex-pair.ts";
