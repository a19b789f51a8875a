// From the root of the tree to the leaf that is chosen; every select offers what is open there.
let leaf = tree;
for (const select of selects) {
  const options = Object.keys(leaf);
  select.options = options;
  if (!options.includes(select.value)) select.value = options[0];
  leaf = leaf[select.value];
}
