import { OPTIONS, type OptionDescription } from "../../src/server/options.ts";

const HEADER = ["| command line | environment | file | default | allowed | meaning |", "|---|---|---|---|---|---|"];

/** The table of every option as docs/configuration.md has to have it. */
export function optionsTable(): string {
  return [...HEADER, ...OPTIONS.map(optionRow)].join("\n");
}

function optionRow({
  key,
  commandLineName,
  environmentName,
  defaultText,
  allowed,
  meaning,
}: OptionDescription): string {
  const names = [`--${commandLineName}`, environmentName, key, defaultText].map((name) => `\`${name}\``);
  return `| ${[...names, allowed, meaning].join(" | ")} |`;
}
