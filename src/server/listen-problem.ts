import { endpointName, ListenError } from "../transport/socket-listener.ts";
import type { ListenerSettings } from "./listener-settings.ts";
import { StartError } from "./start-error.ts";

/** What whoever starts the server can do about a listener that cannot be opened; any other error as it is. */
export function explainListenError(error: unknown, { option, endpoint }: ListenerSettings): unknown {
  if (!(error instanceof ListenError)) return error;
  const problem =
    "path" in endpoint ? socketProblem(error, endpoint.path) : portProblem(error, endpointName(endpoint), option);
  return new StartError(problem, { cause: error });
}

function portProblem({ code, message }: ListenError, endpoint: string, option: string): string {
  const way = option === "port" ? '--port, LEVERET_PORT or "port" in the configuration file' : `the option ${option}`;
  switch (code) {
    case "EADDRINUSE":
      return `${endpoint} is in use by another process; choose another port with ${way}`;
    case "EACCES":
      return `${endpoint} may not be listened on by this user; choose a port above 1023 with ${way}`;
    default:
      return `${message}; choose another address with --bind, or port with ${way}`;
  }
}

function socketProblem({ code, message }: ListenError, path: string): string {
  switch (code) {
    case "EADDRINUSE":
      return `${path} is in use by another process; choose another path`;
    case "EEXIST":
      return `${path} is there already, and is no socket; choose another path`;
    default:
      return `${message}; choose a path of at most 107 octets in a directory that this user may write to`;
  }
}
