// A native range input: keyboard, touch and screen readers know it. The kernel is told the place
// of the slider, not more often than it can follow.
export default {
  render({ model, el }) {
    const id = `patina-range-${Math.random().toString(36).slice(2)}`;
    const label = document.createElement("label");
    label.htmlFor = id;
    const input = document.createElement("input");
    input.type = "range";
    input.id = id;
    input.min = 0;
    input.step = 1;
    input.style.width = "24em";
    input.style.maxWidth = "100%";
    const shown = document.createElement("output");
    shown.htmlFor = id;
    // In a row of its own: ipywidgets' layout takes the style of `el` back.
    const row = document.createElement("div");
    Object.assign(row.style, {
      display: "flex",
      flexWrap: "wrap",
      alignItems: "center",
      gap: "0.2em 0.8em",
    });
    row.append(label, input, shown);
    el.append(row);

    const draw = () => {
      const marks = model.get("marks");
      const at = model.get("index");
      label.textContent = model.get("label");
      input.max = Math.max(0, marks.length - 1);
      input.disabled = marks.length < 2;
      input.value = at;
      const text = marks[at] ?? "no moment";
      input.setAttribute("aria-valuetext", text);
      shown.textContent = text;
    };

    let waiting;
    input.addEventListener("input", () => {
      const at = Number(input.value);
      const text = model.get("marks")[at] ?? "";
      input.setAttribute("aria-valuetext", text);
      shown.textContent = text;
      clearTimeout(waiting);
      waiting = setTimeout(() => {
        model.set("index", at);
        model.save_changes();
      }, 120);
    });
    model.on("change", draw);
    draw();
    return () => {
      clearTimeout(waiting);
      model.off("change", draw);
    };
  },
};
