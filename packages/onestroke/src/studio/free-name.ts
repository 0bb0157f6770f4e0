/** The name itself if it is free, else with the first free number from 2 on. */
export const freeName = (own: string, isTaken: (name: string) => boolean): string => {
  let name = own
  for (let i = 2; isTaken(name); i++) name = `${own}-${i}`
  return name
}
