/** The shape of an input that holds so many values. @throws RangeError if no batch has so many. */
export const shapeFor = (shape: readonly (number | null)[], length: number, name: string): number[] => {
  const batch = length / shape.reduce<number>((product, n) => product * (n ?? 1), 1)
  if (!Number.isInteger(batch) || batch < 1)
    throw new RangeError(
      `input ${name}: ${length} values do not fit [${shape.map((n) => n ?? 'batch').join(', ')}]`,
    )
  return shape.map((n) => n ?? batch)
}
