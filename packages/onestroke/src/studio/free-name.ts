/** A name, or with the first number from 2 on by which it is nobody's yet. */
export const freeName = (own: string, isTaken: (name: string) => boolean): string => {
  let name = own
  for (let i = 2; isTaken(name); i++) name = `${own}-${i}`
  return name
}
