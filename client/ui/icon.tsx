const SHAPES = {
  menu: "M4 7h16M4 12h16M4 17h10",
  plus: "M12 5v14M5 12h14",
  search: "M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14ZM20 20l-4-4",
  more: "M6 12h.01M12 12h.01M18 12h.01",
  sliders: "M4 7h9M17 7h3M4 17h3M11 17h9M15 4.500v5M9 14.500v5",
  pencil: "M4 20l1-4L16 5l3 3L8 19l-4 1ZM14 7l3 3",
  copy: "M9 9h10v10H9zM5 15V5h10",
  check: "M5 12.500l4.500 4.500L19 7.500",
  again: "M19 12a7 7 0 1 1-2-4.900M19 4v4h-4",
  left: "M14 6l-6 6 6 6",
  right: "M10 6l6 6-6 6",
  down: "M12 5v14M6 13l6 6 6-6",
  send: "M12 19V5M6 11l6-6 6 6",
  stop: "M7.500 7.500h9v9h-9z",
  pause: "M9 6v12M15 6v12",
  play: "M8 5.500v13l10-6.500z",
  close: "M6 6l12 12M18 6L6 18",
  person: "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8ZM5 20c.6-3.600 3.400-5.500 7-5.500s6.400 1.900 7 5.500",
  details: "M12 20a8 8 0 1 0 0-16 8 8 0 0 0 0 16ZM12 11v5M12 8h.01",
  offline: "M9 6.200A6 6 0 0 1 18 10a4 4 0 0 1 2 7M16 18H7a4 4 0 0 1-.600-7.960M4 4l16 16",
  alert: "M12 4.500l8.500 15h-17zM12 10v4M12 17h.01",
  freeze: "M4 8h3l1.500-2.500h7L17 8h3v11H4zM12 16.500a3.500 3.500 0 1 0 0-7 3.500 3.500 0 0 0 0 7Z",
  compare: "M9 4H5v16h4M15 4h4v16h-4M12 3v18",
  wrap: "M4 6h16M4 12h13a3 3 0 0 1 0 6h-4M15 15.500L12.500 18l2.500 2.500M4 18h4",
} as const;

export type IconName = keyof typeof SHAPES;

/** A line drawing beside words or inside a named button; never read aloud. */
export function Icon({ name }: { name: IconName }) {
  return (
    <svg className="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={SHAPES[name]} strokeWidth={name === "more" ? 2.6 : undefined} />
    </svg>
  );
}
