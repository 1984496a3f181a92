// Branded strings: a value of such a type exists only because a `parse…` function looked at it.

declare const brand: unique symbol;

/** `T` that carries the proof of having been checked as `Name`. */
export type Brand<T, Name extends string> = T & { readonly [brand]: Name };
