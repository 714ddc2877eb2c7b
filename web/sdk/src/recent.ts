/** A set that remembers only its latest members. */
export class Recent<T> {
  readonly #members = new Set<T>();
  readonly #max: number;

  constructor(max: number) {
    this.#max = max;
  }

  add(member: T): void {
    // Added again, it is the latest again.
    this.#members.delete(member);
    this.#members.add(member);
    const [oldest] = this.#members;
    if (this.#members.size > this.#max) this.#members.delete(oldest!);
  }

  delete(member: T): void {
    this.#members.delete(member);
  }

  has(member: T): boolean {
    return this.#members.has(member);
  }
}
