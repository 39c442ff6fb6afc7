"use strict";
// Tables that a reader can sort, filter and page. Without this script they are whole,
// plain tables; nothing here is needed to read a page, and nothing is loaded.
(() => {
  const PAGE = 40; // rows that are shown at first, and added at a time
  const FILTERED = 8; // rows from which a table has a filter
  const COLLATOR = new Intl.Collator("en", { numeric: true });
  const SCALE = { k: 1e3, M: 1e6, G: 1e9 };
  // Not the year of a date, nor the hour of a time, nor a size such as 8x1536.
  const NUMBER = /^[^\d\u2212\u2013+.-]{0,2}([\u2212+-]?[\d,]*\.?\d+(?:e[+-]?\d+)?)(?:\s?([kMG]))?(?![\w:-])/;
  const homes = new Map(); // id of a row -> what shows it

  const make = (name, properties, ...children) => {
    const element = Object.assign(document.createElement(name), properties);
    element.append(...children);
    return element;
  };

  // The number that a cell begins with, null where it is a dash or words.
  const value = (text) => {
    const found = NUMBER.exec(text.trim());
    if (!found) return null;
    const plain = Number(found[1].replaceAll(",", "").replace("\u2212", "-"));
    return plain * (SCALE[found[2]] ?? 1);
  };

  // A row and the remarks that stand below it stay together.
  const grouped = (body) => {
    const groups = [];
    for (const row of body.querySelectorAll(":scope > tr")) {
      if (row.classList.contains("doubt") && groups.length) groups.at(-1).push(row);
      else groups.push([row]);
    }
    return groups;
  };

  const compare = (a, b, up) => {
    // What is missing comes last in either direction.
    if (a === null || b === null) return (a === null) - (b === null);
    const order = typeof a === "number" ? a - b : COLLATOR.compare(a, b);
    return up ? order : -order;
  };

  // The heading that an element stands under.
  const heading = (element) => {
    for (let at = element; at; at = at.previousElementSibling ?? at.parentElement) {
      if (/^H[1-6]$/.test(at.tagName)) return at.textContent;
    }
    return "";
  };

  const enhance = (table, number) => {
    let body = table.tBodies[0];
    const head = table.tHead?.rows[0];
    const groups = body ? grouped(body) : [];
    if (!head || groups.length < 2) return;
    const texts = groups.map((rows) => rows.map((row) => row.textContent.toLowerCase()).join(" "));
    let order = groups.map((_, place) => place);
    let shown = PAGE;
    let words = [];

    const status = make("output", { className: "shown" });
    const more = make("button", { type: "button" });
    const all = make("button", { type: "button" });
    const foot = make("p", { className: "tools" }, status, more, all);

    const draw = () => {
      const fit = order.filter((place) => words.every((word) => texts[place].includes(word)));
      const seen = fit.slice(0, shown);
      // A new body: thousands of rows go at once, where one by one takes minutes.
      const next = body.cloneNode(false);
      body.replaceWith(next);
      next.append(...seen.flatMap((place) => groups[place]));
      body = next;
      const count = (n) => n.toLocaleString("en");
      const part = seen.length < groups.length;
      status.textContent = part ? `${count(seen.length)} of ${count(groups.length)} rows` : "";
      const left = fit.length - seen.length;
      more.hidden = left <= 0;
      more.textContent = `${count(Math.min(PAGE, left))} more`;
      all.hidden = left <= PAGE;
      all.textContent = `all ${count(fit.length)}`;
      foot.hidden = !part;
    };

    const sort = (column, header) => {
      const up = header.getAttribute("aria-sort") !== "ascending";
      const cells = groups.map(([row]) => row.cells[column]?.textContent ?? "");
      const numbers = cells.map(value);
      const many = cells.filter((text) => /\d/.test(text.trim().slice(0, 3))).length;
      const numeric = many * 2 > cells.filter((text) => /[^\s\u2013-]/.test(text)).length;
      const keys = numeric ? numbers : cells.map((text) => text.trim() || null);
      order = groups.map((_, place) => place);
      order.sort((a, b) => compare(keys[a], keys[b], up) || a - b);
      for (const other of head.cells) other.removeAttribute("aria-sort");
      header.setAttribute("aria-sort", up ? "ascending" : "descending");
      draw();
    };

    [...head.cells].forEach((header, column) => {
      const button = make("button", { type: "button", className: "sort" }, ...header.childNodes);
      button.addEventListener("click", () => sort(column, header));
      header.replaceChildren(button);
    });

    const box = table.closest(".scroll") ?? table;
    if (groups.length >= FILTERED) {
      const name = `filter-${number}`;
      const input = make("input", { type: "search", id: name, autocomplete: "off" });
      const label = make("label", { htmlFor: name }, "filter ");
      input.setAttribute("aria-label", `filter ${heading(box)}`);
      input.addEventListener("input", () => {
        words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
        shown = PAGE;
        draw();
      });
      box.before(make("p", { className: "tools find" }, label, input));
    }
    more.addEventListener("click", () => { shown += PAGE; draw(); });
    all.addEventListener("click", () => { shown = groups.length; draw(); });
    box.after(foot);
    const reveal = () => { shown = groups.length; words = []; draw(); };
    groups.forEach(([row]) => { if (row.id) homes.set(row.id, reveal); });
    draw();
  };

  // A link may lead to a row that is not shown.
  const reach = () => {
    const name = decodeURIComponent(location.hash.slice(1));
    const reveal = homes.get(name);
    if (reveal && !document.getElementById(name)) {
      reveal();
      // Set again, so that the browser finds the row and marks it.
      location.replace(`#${encodeURIComponent(name)}`);
    }
    if (name) document.getElementById(name)?.scrollIntoView();
  };

  // Rows are laid out once, when those that are not shown have gone.
  const root = document.documentElement;
  root.classList.add("waiting");
  addEventListener("DOMContentLoaded", () => {
    try {
      document.querySelectorAll("table:not(.facts)").forEach(enhance);
    } finally {
      root.classList.remove("waiting");
    }
    for (const box of document.querySelectorAll(".scroll")) {
      // A box that scrolls can be scrolled from the keyboard.
      if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
    }
    addEventListener("hashchange", reach);
    // Pictures above have their height by then.
    addEventListener("load", reach);
  });
})();
