import { Fields } from "../codec/fields.ts";
import type { Typed } from "../codec/types.ts";

const ADDRESS = "/management";

/** True for a source or target that is the management node. */
export function isManagement(terminus: Typed | undefined): boolean {
  return terminus !== undefined && new Fields("terminus", terminus).get(0)?.value === ADDRESS;
}
