import type { DefinitionSink } from "../../../src/core/definitions.ts";
import type { DefinitionKind } from "../../../src/core/ports.ts";

/** Keeps definitions the way a store would give them back: as copies. */
export class MemoryDefinitions implements DefinitionSink {
  readonly stored: { kind: DefinitionKind; id: string; value: unknown }[] = [];

  put(kind: DefinitionKind, id: string, value: unknown): void {
    this.delete(kind, id);
    this.stored.push({ kind, id, value: JSON.parse(JSON.stringify(value)) });
  }

  delete(kind: DefinitionKind, id: string): void {
    const index = this.stored.findIndex((each) => each.kind === kind && each.id === id);
    if (index !== -1) this.stored.splice(index, 1);
  }
}
