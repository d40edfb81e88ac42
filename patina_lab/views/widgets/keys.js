// JupyterLab's shortcuts would take arrows and letters from the list, the slider and the buttons
// (twice "d" on a button deletes the cell). Inside our widgets, keys belong to the widget.
export default {
  render({ el }) {
    let waiting;
    const settle = () => {
      const box = el.closest(".patina-widget");
      if (box) {
        box.dataset.lmSuppressShortcuts = "true";
      } else {
        waiting = setTimeout(settle, 50);
      }
    };
    settle();
    return () => clearTimeout(waiting);
  },
};
