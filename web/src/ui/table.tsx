/** A plain table that becomes a list of cards under 640 px. Roles are written out: `display` would take them away there. */
import type { ReactNode } from "react";
import { classes } from "./classes.ts";
import { ChevronDownIcon } from "./icons.tsx";

export interface Column<Row> {
  key: string;
  header: string;
  cell(row: Row): ReactNode;
  align?: "start" | "end";
  sortable?: boolean;
}

export interface Sort {
  key: string;
  direction: "ascending" | "descending";
}

export interface TableProps<Row> {
  /** says what the table holds; read out, not shown */
  caption: string;
  columns: readonly Column<Row>[];
  rows: readonly Row[];
  rowKey(row: Row): string;
  sort?: Sort;
  onSort?(sort: Sort): void;
  /** stands in place of rows when there are none */
  empty?: ReactNode;
}

export function Table<Row>({ caption, columns, rows, rowKey, sort, onSort, empty }: TableProps<Row>) {
  return (
    <div className="-mx-1 overflow-x-auto px-1">
      <table aria-label={caption} className="w-full border-collapse text-left text-[0.9375rem] max-sm:block" role="table">
        <thead className="max-sm:sr-only" role="rowgroup">
          <tr role="row">
            {columns.map((column) => (
              <th
                aria-sort={sort?.key === column.key ? sort.direction : undefined}
                className={classes(
                  "border-b border-line px-3 py-2 text-sm font-medium text-muted first:pl-0 last:pr-0",
                  column.align === "end" && "text-right",
                )}
                key={column.key}
                role="columnheader"
                scope="col"
              >
                {column.sortable && onSort ? <SortButton column={column} onSort={onSort} sort={sort} /> : column.header}
              </th>
            ))}
          </tr>
        </thead>
        <tbody className="max-sm:block" role="rowgroup">
          {rows.map((row) => (
            <tr
              className="border-b border-line last:border-0 max-sm:mb-3 max-sm:block max-sm:rounded-lg max-sm:border max-sm:p-3 max-sm:last:border"
              key={rowKey(row)}
              role="row"
            >
              {columns.map((column) => (
                <td
                  className={classes(
                    "px-3 py-2.5 align-middle first:pl-0 last:pr-0 max-sm:flex max-sm:items-baseline max-sm:justify-between max-sm:gap-4 max-sm:px-0 max-sm:py-1",
                    column.align === "end" && "text-right tabular",
                  )}
                  key={column.key}
                  role="cell"
                >
                  <span aria-hidden="true" className="shrink-0 text-sm text-muted sm:hidden">
                    {column.header}
                  </span>
                  <span className="min-w-0 max-sm:text-right">{column.cell(row)}</span>
                </td>
              ))}
            </tr>
          ))}
          {rows.length === 0 && empty !== undefined && (
            <tr className="max-sm:block" role="row">
              <td className="py-8 text-center text-muted max-sm:block" colSpan={columns.length} role="cell">
                {empty}
              </td>
            </tr>
          )}
        </tbody>
      </table>
    </div>
  );
}

function SortButton<Row>({ column, sort, onSort }: { column: Column<Row>; sort: Sort | undefined; onSort(sort: Sort): void }) {
  const active = sort?.key === column.key;
  const next = active && sort.direction === "descending" ? "ascending" : "descending";
  return (
    <button
      className={classes("-mx-1 inline-flex items-center gap-1 rounded px-1 hover:text-text", active && "text-text")}
      onClick={() => onSort({ key: column.key, direction: next })}
      type="button"
    >
      {column.header}
      <ChevronDownIcon className={classes("size-4", !active && "opacity-0", active && sort.direction === "ascending" && "rotate-180")} />
    </button>
  );
}
