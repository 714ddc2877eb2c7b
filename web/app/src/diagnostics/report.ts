/**
 * The report as plain text, to be sent to whoever can help. No secret, no credential, no full address, no name of a device. Pure.
 */
import type { CheckResult, PreflightReport } from '@tincan/sdk';
import { NAME, phrases, STATUS } from './words.js';

const NAME_WIDTH = Math.max(...Object.values(NAME).map((name) => name.length)) + 2;
const STATUS_WIDTH = Math.max(...Object.values(STATUS).map((status) => status.length)) + 2;

/** `page` is the address of the page, `browser` what the browser calls itself. */
export function reportText({ at, durationMs, verdict, checks }: PreflightReport, page: string, browser: string): string {
  const remedies = [verdict.remedy ?? '', ...verdict.also].filter(Boolean);
  return [
    `Tincan check of ${new Date(at).toISOString().slice(0, 16).replace('T', ' ')} UTC, ${Math.round(durationMs / 1000)} s`,
    '',
    verdict.message,
    ...remedies,
    '',
    ...checks.flatMap(lines),
    '',
    `Verdict: ${verdict.code}`,
    `Page:    ${withoutAddresses(page)}`,
    `Browser: ${browser}`,
    '',
  ].join('\n');
}

function lines({ name, status, message, finding, figures, target }: CheckResult): string[] {
  const indent = ' '.repeat(STATUS_WIDTH + NAME_WIDTH);
  const more = [phrases(figures).join('; '), withoutAddresses(target ?? '')].filter(Boolean);
  return [
    `${STATUS[status].padEnd(STATUS_WIDTH)}${NAME[name].padEnd(NAME_WIDTH)}${message} [${finding}]`,
    ...more.map((line) => indent + line),
  ];
}

/** Addresses in a URL lose their last part, and the URL its query, in which a page may carry names. */
export function withoutAddresses(text: string): string {
  return text
    .replace(/^(https?:[^?#]*)[?#].*$/, '$1')
    .replace(/\b(\d{1,3}\.\d{1,3}\.\d{1,3})\.\d{1,3}\b/g, '$1.…')
    .replace(/\[([0-9a-f]*:[0-9a-f]*:)[0-9a-f:.]*\]/gi, '[$1…]');
}
