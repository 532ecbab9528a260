declare const brand: unique symbol;

/** A `T` that has passed one named check. Only the `parse…()` beside a brand may cast to it. */
export type Brand<T, Name extends string> = T & { readonly [brand]: Name };
