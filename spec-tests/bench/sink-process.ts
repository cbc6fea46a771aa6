import { Sink } from "./sink.ts";

// A sink as a process of its own, so that it leaves the generator's event loop alone. Ends when its parent does.
const sink = await Sink.listen(Number(process.argv[2]));
process.send?.(sink.port);
process.once("disconnect", () => sink.close());
