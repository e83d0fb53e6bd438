import type { ManifestOptions } from "vite-plugin-pwa";
import { en, enInstalled } from "./ui/words/en.ts";
import { SHARE_PATH } from "../shared/protocol/share-target.ts";

/** As in tokens.css: the ground and the accent, in light. */
const GROUND = "#faf9f6";

const icon = (name: string, size: 192 | 512, purpose: "any" | "maskable" | "monochrome") => ({
  src: `/icons/${name}-${size}.png`,
  sizes: `${size}x${size}`,
  type: "image/png",
  purpose,
});

const { name } = en.app;
const { about, screenshots } = enInstalled;

/** What the browser needs to install the app, and to show it among other apps. */
export const webAppManifest: Partial<ManifestOptions> = {
  id: "/",
  start_url: "/",
  scope: "/",
  name,
  short_name: name,
  description: about,
  lang: en.locale,
  dir: "ltr",
  display: "standalone",
  display_override: ["standalone", "minimal-ui"],
  theme_color: GROUND,
  background_color: GROUND,
  categories: ["productivity", "utilities"],
  launch_handler: { client_mode: "navigate-existing" },
  icons: [
    icon("icon", 192, "any"),
    icon("icon", 512, "any"),
    icon("maskable", 192, "maskable"),
    icon("maskable", 512, "maskable"),
    icon("monochrome", 512, "monochrome"),
  ],
  screenshots: [
    {
      src: "/screenshots/wide.png",
      sizes: "1280x800",
      type: "image/png",
      form_factor: "wide",
      label: screenshots.wide,
    },
    {
      src: "/screenshots/narrow.png",
      sizes: "390x844",
      type: "image/png",
      form_factor: "narrow",
      label: screenshots.narrow,
    },
  ],
  shortcuts: [
    { name: en.library.newChat, url: "/?new" },
    { name: en.library.search, url: "/?search" },
  ],
  share_target: {
    action: SHARE_PATH,
    method: "POST",
    enctype: "application/x-www-form-urlencoded",
    params: { title: "title", text: "text", url: "url" },
  },
};
