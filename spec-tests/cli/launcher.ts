import { main } from "../../src/cli/main.ts";

// What bin/leveret.js does, for the code that the tests were compiled with.
await main(process.argv.slice(2));
