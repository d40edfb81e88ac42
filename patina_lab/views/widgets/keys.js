// JupyterLab's shortcuts would take arrows and letters from the list, the slider and the buttons
// (twice "d" on a button deletes the cell). Inside our widgets, plain keys belong to what has the
// focus; keys with Ctrl, Cmd or Alt stay JupyterLab's. It looks for the mark on the element itself
// first, and listens on the document: only the window is asked earlier.
export default {
  render({ el }) {
    const mark = (event) => {
      const box = el.closest(".patina-widget");
      if (box && event.target instanceof Element && box.contains(event.target)) {
        const theirs = event.ctrlKey || event.metaKey || event.altKey;
        event.target.toggleAttribute("data-lm-suppress-shortcuts", !theirs);
      }
    };
    window.addEventListener("keydown", mark, true);
    return () => window.removeEventListener("keydown", mark, true);
  },
};
