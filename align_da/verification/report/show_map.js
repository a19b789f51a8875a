for (const [name, {codes, offset, step}] of Object.entries(leaf.fields)) {
  source.data[name][0].set(Float32Array.from(codes, (code) => offset + step * code));
}
source.change.emit();
stations.data = leaf.stations;
for (const [kind, mapper] of Object.entries(mappers)) {
  [mapper.low, mapper.high] = leaf.scales[kind];
}
for (const [name, title] of Object.entries(titles)) title.text = leaf.titles[name];
