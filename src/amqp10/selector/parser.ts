import { and, calculate, compare, type Expression, isIn, isNull, like, not, or } from "./expressions.ts";
import { invalidSelector, type Token, tokensOf } from "./tokens.ts";

const COMPARISONS = ["=", "<>", "<", "<=", ">", ">="];
/** Parentheses and signs inside each other. */
const DEPTH_MAX = 64;

/** @throws Amqp10Error amqp:invalid-field for what is no selector of Jakarta Messaging */
export function parseSelector(selector: string): Expression {
  const parser = new Parser(tokensOf(selector));
  return parser.parse();
}

class Parser {
  readonly #tokens: readonly Token[];
  #at = 0;
  #depth = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  parse(): Expression {
    const expression = this.#or();
    if (this.#token.kind !== "end") throw this.#unexpected();
    return expression;
  }

  #or(): Expression {
    let left = this.#and();
    while (this.#takeKeyword("OR")) left = or(left, this.#and());
    return left;
  }

  #and(): Expression {
    let left = this.#not();
    while (this.#takeKeyword("AND")) left = and(left, this.#not());
    return left;
  }

  #not(): Expression {
    let negations = 0;
    while (this.#takeKeyword("NOT")) negations++;
    const expression = this.#comparison();
    return negations % 2 === 1 ? not(expression) : negations === 0 ? expression : not(not(expression));
  }

  #comparison(): Expression {
    const left = this.#sum();
    const operator = this.#takeOperator(COMPARISONS);
    if (operator !== undefined) return compare(operator, left, this.#sum());
    if (this.#takeKeyword("IS")) {
      const isNegated = this.#takeKeyword("NOT");
      this.#expectKeyword("NULL");
      return isNegated ? not(isNull(left)) : isNull(left);
    }
    const isNegated = this.#takeKeyword("NOT");
    const predicate = this.#predicate(left);
    if (predicate !== undefined) return isNegated ? not(predicate) : predicate;
    if (isNegated) throw this.#unexpected();
    return left;
  }

  #predicate(left: Expression): Expression | undefined {
    if (this.#takeKeyword("BETWEEN")) {
      const low = this.#sum();
      this.#expectKeyword("AND");
      return and(compare(">=", left, low), compare("<=", left, this.#sum()));
    }
    if (this.#takeKeyword("IN")) return isIn(left, this.#strings());
    if (!this.#takeKeyword("LIKE")) return undefined;
    const pattern = this.#string();
    const escapeCharacter = this.#takeKeyword("ESCAPE") ? this.#string() : undefined;
    if (escapeCharacter !== undefined && [...escapeCharacter].length !== 1)
      throw invalidSelector("ESCAPE needs one character");
    return like(left, pattern, escapeCharacter);
  }

  #sum(): Expression {
    let left = this.#product();
    for (let operator = this.#takeOperator(["+", "-"]); operator !== undefined; ) {
      left = calculate(operator, left, this.#product());
      operator = this.#takeOperator(["+", "-"]);
    }
    return left;
  }

  #product(): Expression {
    let left = this.#sign();
    for (let operator = this.#takeOperator(["*", "/"]); operator !== undefined; ) {
      left = calculate(operator, left, this.#sign());
      operator = this.#takeOperator(["*", "/"]);
    }
    return left;
  }

  #sign(): Expression {
    const sign = this.#takeOperator(["+", "-"]);
    if (sign === undefined) return this.#value();
    return this.#nested(() => calculate(sign, () => 0, this.#sign()));
  }

  #value(): Expression {
    const token = this.#token;
    if (this.#takeOperator(["("]) !== undefined) {
      const expression = this.#nested(() => this.#or());
      this.#expectOperator(")");
      return expression;
    }
    this.#at++;
    switch (token.kind) {
      case "identifier":
        return (lookup) => lookup(token.text);
      case "string":
        return () => token.text;
      case "number":
        return () => token.value;
      case "keyword":
        if (token.text === "TRUE") return () => true;
        if (token.text === "FALSE") return () => false;
        if (token.text === "NULL") return () => undefined;
    }
    this.#at--;
    throw this.#unexpected();
  }

  #nested(parse: () => Expression): Expression {
    if (++this.#depth > DEPTH_MAX) throw invalidSelector("nested too deep");
    const expression = parse();
    this.#depth--;
    return expression;
  }

  #strings(): string[] {
    this.#expectOperator("(");
    const strings = [this.#string()];
    while (this.#takeOperator([","]) !== undefined) strings.push(this.#string());
    this.#expectOperator(")");
    return strings;
  }

  #string(): string {
    const token = this.#token;
    if (token.kind !== "string") throw this.#unexpected();
    this.#at++;
    return token.text;
  }

  get #token(): Token {
    return this.#tokens[this.#at] as Token;
  }

  #takeKeyword(text: string): boolean {
    const token = this.#token;
    if (token.kind !== "keyword" || token.text !== text) return false;
    this.#at++;
    return true;
  }

  #expectKeyword(text: string): void {
    if (!this.#takeKeyword(text)) throw this.#unexpected();
  }

  #takeOperator(texts: readonly string[]): string | undefined {
    const token = this.#token;
    if (token.kind !== "operator" || !texts.includes(token.text)) return undefined;
    this.#at++;
    return token.text;
  }

  #expectOperator(text: string): void {
    if (this.#takeOperator([text]) === undefined) throw this.#unexpected();
  }

  #unexpected(): Error {
    const token = this.#token;
    const what = token.kind === "end" ? "end" : token.kind === "number" ? token.value : `'${token.text}'`;
    return invalidSelector(`unexpected ${what}`);
  }
}
