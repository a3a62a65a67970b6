/** Makes, from what an entry says with stand-ins for its words, what others say that are alike. */
import type { EntryReading } from "./batch.js";
import type { Address, Fragment } from "./fragment.js";
import { type Pieces, piecesOf, type StandIn, type Variant } from "./replaceable.js";

/** A fragment to be filled in: the numbers of its texts and of its address. */
interface FragmentBlank {
  readonly of: number;
  readonly part: number;
  readonly canonical: number;
  readonly text: number;
  /** What few fragments have besides; null where it has nothing. */
  readonly rest: ((filled: Filled) => Partial<Fragment>) | null;
}

/** Texts and addresses with the words of one entry, each under its number. */
interface Filled {
  readonly texts: readonly string[];
  readonly addresses: readonly Address[];
}

/** What is to be filled in for each entry; what is said several times is filled in once. */
class Blanks {
  readonly #pieces: Pieces[] = [];
  readonly #numbersOfTexts = new Map<string, number>();
  readonly #addresses: ((texts: readonly string[]) => Address)[] = [];
  readonly #numbersOfAddresses = new Map<Address, number>();

  constructor(private readonly piecesOf: (text: string) => Pieces) {}

  text(text: string): number {
    const known = this.#numbersOfTexts.get(text);
    if (known !== undefined) return known;
    this.#numbersOfTexts.set(text, this.#pieces.length);
    return this.#pieces.push(this.piecesOf(text)) - 1;
  }

  address(address: Address): number {
    const known = this.#numbersOfAddresses.get(address);
    if (known !== undefined) return known;
    const schema = address.schema === null ? null : this.text(address.schema);
    const name = this.text(address.name);
    const table = address.table && this.table(address.table);
    this.#numbersOfAddresses.set(address, this.#addresses.length);
    const fill = (texts: readonly string[]): Address => ({
      ...address,
      schema: schema === null ? null : at(texts, schema),
      name: at(texts, name),
      ...(table === undefined ? {} : { table: table(texts) }),
    });
    return this.#addresses.push(fill) - 1;
  }

  table({ schema, name }: { readonly schema: string; readonly name: string }) {
    const [schemaNumber, nameNumber] = [this.text(schema), this.text(name)];
    return (texts: readonly string[]) => ({ schema: at(texts, schemaNumber), name: at(texts, nameNumber) });
  }

  filled(words: readonly string[]): Filled {
    const texts = this.#pieces.map((pieces) => joined(pieces, words));
    return { texts, addresses: this.#addresses.map((fill) => fill(texts)) };
  }
}

/** Of one piece, since a text that is put together piece by piece is copied later on, when it is read. */
function joined(pieces: Pieces, words: readonly string[]): string {
  return pieces.map((piece) => (typeof piece === "number" ? words[piece] : piece)).join("");
}

/**
 * Makes, from what a sample says with stand-ins, what another entry says that is alike.
 *
 * @param count how many words stand-ins stand for
 */
export function templateOf(
  reading: EntryReading | undefined,
  count: number,
  standIn: StandIn,
): (other: Variant) => EntryReading {
  const blanks = new Blanks((text) => piecesOf(text, count, standIn));
  const { said: sampleSaid = [], warnings: sampleWarnings = [], onPublic = [] } = reading ?? {};
  const said = sampleSaid.map(({ sql, fragments }) => ({
    sql: blanks.text(sql),
    fragments: fragments.map((fragment) => fragmentBlank(fragment, blanks)),
  }));
  const warnings = sampleWarnings.map((warning) => blanks.text(warning));
  return ({ entry, words }) => {
    const filled = blanks.filled(words);
    return {
      entry,
      said: said.map(({ sql, fragments }) => ({
        sql: at(filled.texts, sql),
        fragments: fragments.map((fragment) => fragmentOf(fragment, filled)),
      })),
      warnings: warnings.length === 0 ? sampleWarnings : warnings.map((number) => at(filled.texts, number)),
      onPublic,
    };
  };
}

function fragmentBlank(fragment: Fragment, blanks: Blanks): FragmentBlank {
  const { of, part, canonical, text, ...rest } = fragment;
  return {
    of: blanks.address(of),
    part: blanks.text(part),
    canonical: blanks.text(canonical),
    text: blanks.text(text),
    rest: Object.keys(rest).length === 0 ? null : restBlank(rest, blanks),
  };
}

function restBlank({ alias, about, parents, ...flags }: Partial<Fragment>, blanks: Blanks) {
  const aliasNumber = alias && blanks.address(alias);
  const aboutTable = about && blanks.table(about);
  const parentNumbers = parents?.map((parent) => blanks.address(parent));
  return ({ texts, addresses }: Filled): Partial<Fragment> => ({
    ...flags,
    ...(aliasNumber !== undefined && { alias: at(addresses, aliasNumber) }),
    ...(aboutTable && { about: aboutTable(texts) }),
    ...(parentNumbers && { parents: parentNumbers.map((number) => at(addresses, number)) }),
  });
}

function fragmentOf({ of, part, canonical, text, rest }: FragmentBlank, filled: Filled): Fragment {
  const { texts, addresses } = filled;
  const fragment = {
    of: at(addresses, of),
    part: at(texts, part),
    canonical: at(texts, canonical),
    text: at(texts, text),
  };
  return rest === null ? fragment : { ...fragment, ...rest(filled) };
}

function at<T>(list: readonly T[], number: number): T {
  const item = list[number];
  if (item === undefined) throw new RangeError(`Nothing is filled in under ${number}.`);
  return item;
}
