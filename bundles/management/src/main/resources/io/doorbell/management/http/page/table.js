// Tables whose rows stay the same elements while their key stays, so that a refresh takes the keyboard's focus nowhere.
const KNOWN = new WeakMap();

function cell(value) {
  return value === null || value === undefined || value === "" ? "-" : String(value);
}

function head(table, columns) {
  const row = table.createTHead().insertRow();
  for (const column of columns) {
    const th = document.createElement("th");
    th.scope = "col";
    th.textContent = column.name;
    th.className = column.kind ?? "";
    row.append(th);
  }
}

/**
 * columns: [{name, kind: "figure" or "long", text: row => words, title: row => the same in full, make: row => element, made once for each key}].
 * rows: [[key, row]]; at most `limit` are shown.
 */
export function fill(table, columns, rows, nothing, limit = 200) {
  let known = KNOWN.get(table);
  if (!known) {
    head(table, columns);
    table.append(document.createElement("tbody"));
    known = new Map();
    KNOWN.set(table, known);
  }
  const body = table.tBodies[0];
  const seen = new Set();
  let at = 0;
  for (const [key, row] of rows.slice(0, limit)) {
    seen.add(key);
    let tr = known.get(key);
    if (!tr) {
      tr = document.createElement("tr");
      for (const column of columns) {
        const td = tr.insertCell();
        td.className = column.kind ?? "";
        if (column.make) {
          td.append(column.make(row));
        }
      }
      known.set(key, tr);
    }
    columns.forEach((column, i) => {
      if (column.text) {
        const words = cell(column.text(row));
        if (tr.cells[i].textContent !== words) {
          tr.cells[i].textContent = words;
        }
      }
      const title = column.title?.(row) ?? "";
      if (tr.cells[i].title !== title) {
        tr.cells[i].title = title;
      }
      column.update?.(tr.cells[i], row);
    });
    if (body.rows[at] !== tr) {
      body.insertBefore(tr, body.rows[at] ?? null);
    }
    at++;
  }
  for (const [key, tr] of known) {
    if (!seen.has(key)) {
      tr.remove();
      known.delete(key);
    }
  }
  const rest = rows.length - limit;
  note(table, rows.length === 0 ? nothing : rest > 0 ? `and ${rest} more` : "");
}

function note(table, words) {
  if (words) {
    const caption = table.createCaption();
    if (caption.textContent !== words) {
      caption.textContent = words;
    }
  } else {
    table.deleteCaption();
  }
}
