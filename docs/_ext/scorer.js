// How the site's search orders what it finds: by Sphinx's own figures, but guides come before the reference,
// which repeats every word of theirs, before the pages about the project, and before those that sum up others.
var Scorer = {
  score: ([name, , , , score, , kind]) =>
    (kind === "text" && /^(reference\/|(capabilities|changelog|contributing|dependencies)$)/.test(name)) ||
    /^(index|howto|cheat_sheet|glossary|comparison)$/.test(name)
      ? score - 20
      : score,
  objNameMatch: 11,
  objPartialMatch: 6,
  objPrio: { 0: 15, 1: 5, 2: -5 },
  objPrioDefault: 0,
  title: 15,
  partialTitle: 7,
  term: 5,
  partialTerm: 2,
};
