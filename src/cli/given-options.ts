/** Options that a command line gives, by their names without dashes. */
export type GivenOptions = Readonly<Record<string, unknown>>;
