// How the site's search orders what it finds: Sphinx's own figures, but guides before the reference, which
// repeats every word of theirs.
var Scorer = {
  score: ([name, , , , score, , kind]) =>
    name.startsWith("reference/") && kind === "text" ? score - 20 : score,
  objNameMatch: 11,
  objPartialMatch: 6,
  objPrio: { 0: 15, 1: 5, 2: -5 },
  objPrioDefault: 0,
  title: 15,
  partialTitle: 7,
  term: 5,
  partialTerm: 2,
};
