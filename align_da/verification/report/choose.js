sources.forEach((source, index) => {
  source.data = {...source.data, ...leaf.columns[index]};
});
for (const axis of axes) axis.axis_label = leaf.label;
