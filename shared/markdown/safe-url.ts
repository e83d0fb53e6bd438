const LINK_PROTOCOLS: readonly string[] = ["http:", "https:", "mailto:"];
const IMAGE_PROTOCOLS: readonly string[] = ["http:", "https:"];

function urlOf(href: string, protocols: readonly string[]): URL | undefined {
  // Without a base, so that a relative or scheme-less address is no link: a model can not know this origin.
  const url = URL.canParse(href) ? new URL(href) : undefined;
  return url && protocols.includes(url.protocol) ? url : undefined;
}

/** The address as it may stand in a link; `undefined` for everything but http, https and mailto. */
export const safeLink = (href: string): string | undefined => urlOf(href, LINK_PROTOCOLS)?.href;

/** The address of an image that may be loaded when a person asks for it. */
export const safeImage = (href: string): URL | undefined => urlOf(href, IMAGE_PROTOCOLS);
