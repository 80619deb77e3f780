// Prints the pages that the search of a built site finds, best first, for each query on the command line.
// node search.js SITE QUERY...
const fs = require("fs");
const path = require("path");
const vm = require("vm");

const [site, ...queries] = process.argv.slice(2);
const element = { hasAttribute: () => false, addEventListener: () => {}, dataset: {} };
const context = vm.createContext({
  console,
  URL,
  URLSearchParams,
  localStorage: { setItem: () => {}, getItem: () => null, removeItem: () => {} },
  addEventListener: () => {},
  location: { search: "", href: "" },
  document: {
    ...element,
    readyState: "loading",
    documentElement: element,
    body: element,
    querySelector: () => null,
    querySelectorAll: () => [],
    getElementById: () => null,
  },
});
context.window = context;
const scripts = [
  "_static/documentation_options.js",
  "_static/doctools.js",
  "_static/sphinx_highlight.js",
  "_static/language_data.js",
  "_static/searchtools.js",
  "searchindex.js",
];
for (const name of scripts) {
  vm.runInContext(fs.readFileSync(path.join(site, name), "utf8"), context, { filename: name });
}
const search = vm.runInContext(
  "(query) => Search._performSearch(...Search._parseQuery(query)).map(([page]) => page).reverse()",
  context,
);
console.log(JSON.stringify(queries.map((query) => [...new Set(search(query))])));
