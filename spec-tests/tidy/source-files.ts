import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { PROJECT_ROOT } from "../support/project-root.ts";

/** A TypeScript file of the project. */
export interface SourceFile {
  /** Relative to the project's root, with forward slashes. */
  readonly path: string;
  readonly text: string;
  /** The text with comments blanked out; line breaks are kept. */
  readonly code: string;
  /** What it imports: project files as paths from the root, anything else as it is written. */
  readonly imports: readonly string[];
}

/** Every TypeScript file below a folder of the project; none when there is no such folder. */
export function sourceFiles(folder: string): SourceFile[] {
  const directory = join(PROJECT_ROOT, folder);
  if (!existsSync(directory)) return [];
  return readdirSync(directory, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .map((name) => readSource(join(directory, name)))
    .sort((a, b) => (a.path < b.path ? -1 : 1));
}

function readSource(absolutePath: string): SourceFile {
  const text = readFileSync(absolutePath, "utf8");
  const path = projectPath(absolutePath);
  const code = withoutComments(text);
  const imports = importSpecifiers(code).map((specifier) =>
    specifier.startsWith(".") ? projectPath(join(dirname(absolutePath), specifier)) : specifier,
  );
  return { path, text, code, imports };
}

function projectPath(absolutePath: string): string {
  return relative(PROJECT_ROOT, absolutePath).split(sep).join("/");
}

/** Blanks out comments; string and template literals are skipped, so that a `//` in them does not count. */
function withoutComments(text: string): string {
  const literalOrComment = /("(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`)|\/\/[^\n]*|\/\*[\s\S]*?\*\//g;
  return text.replace(literalOrComment, (match, literal: string | undefined) =>
    literal === undefined ? match.replace(/[^\n]/g, " ") : match,
  );
}

/** The specifiers of static imports, re-exports, `import type`, `import("...")` as a value or a type, and `require`. */
export function importSpecifiers(code: string): string[] {
  const forms = [
    /\b(?:import|export)\b[^"'`;()]*?\bfrom\s*["']([^"']+)["']/g,
    /\bimport\s*["']([^"']+)["']/g,
    /\b(?:import|require)\s*\(\s*["']([^"']+)["']/g,
  ];
  return forms.flatMap((form) => [...code.matchAll(form)].map((match) => match[1] as string));
}
