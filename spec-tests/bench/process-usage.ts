import { readdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";

/** Clock ticks per second in /proc/<pid>/stat; the same on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;

const LISTENING = "0A";

/** Seconds of processor time that a process has taken, over all of its threads. Source: proc(5). */
export function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  // The name of the command, in parentheses, may hold anything.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** Lets the peak start anew from what is resident now, if the process is ours to do that with. */
export function resetPeakMemory(pid: number): void {
  ifThere(() => writeFileSync(`/proc/${pid}/clear_refs`, "5"));
}

/** The most memory that was resident since the process started or the peak was reset, in octets. */
export function peakMemoryBytes(pid: number): number {
  return statusBytes(pid, "VmHWM");
}

export function residentMemoryBytes(pid: number): number {
  return statusBytes(pid, "VmRSS");
}

/** Resident memory that is no file's: what the process itself has allocated, without the pages of mapped files. */
export function anonymousMemoryBytes(pid: number): number {
  return statusBytes(pid, "RssAnon");
}

function statusBytes(pid: number, field: string): number {
  const status = readFileSync(`/proc/${pid}/status`, "latin1");
  const kibibytes = new RegExp(`^${field}:\\s+(\\d+) kB$`, "m").exec(status)?.[1];
  return Number(kibibytes) * 1024;
}

/** The process of this machine that listens on a TCP port; undefined when there is none that we may look into. */
export function processListeningOn(port: number): number | undefined {
  const inodes = [...listeningInodes("/proc/net/tcp", port), ...listeningInodes("/proc/net/tcp6", port)];
  const sockets = new Set(inodes.map((inode) => `socket:[${inode}]`));
  return processIds().find((pid) => openFiles(pid).some((file) => sockets.has(file)));
}

function listeningInodes(path: string, port: number): string[] {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  return readFileSync(path, "latin1")
    .split("\n")
    .map((line) => line.trim().split(/\s+/))
    .filter(([, address, , state]) => address?.endsWith(suffix) === true && state === LISTENING)
    .map((fields) => fields[9] as string);
}

function processIds(): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

/** What the descriptors of a process stand for; nothing when it is gone or not ours to look into. */
function openFiles(pid: number): string[] {
  const directory = `/proc/${pid}/fd`;
  const descriptors = ifThere(() => readdirSync(directory)) ?? [];
  return descriptors.map((descriptor) => ifThere(() => readlinkSync(`${directory}/${descriptor}`)) ?? "");
}

/** What `read` returns; undefined when what it reads has gone or is not ours to look into. */
function ifThere<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "ENOENT" || code === "EACCES" || code === "ESRCH") return undefined;
    throw error;
  }
}
