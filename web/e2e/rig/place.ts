/** Where a browser runs: on this machine, or in a network of its own (see ../nat). */

export interface Place {
  readonly name: string;
  /** A program that starts `program` there and becomes it, so that signals and pipes are the program's own. */
  readonly starts: (program: string) => string;
  /** What browsers are told besides. */
  readonly chromiumArgs: readonly string[];
  readonly firefoxPrefs: Readonly<Record<string, unknown>>;
  /** The port at which Firefox is told what to do; without it, any. */
  readonly firefoxPort?: number;
  /** Whether Firefox takes any certificate. */
  readonly anyCertificate?: boolean;
}

/** Pages and server are on one machine, and so is all of the sound. */
export const HERE: Place = {
  name: 'here',
  starts: (program) => program,
  // A relay's certificate that a test made is as good as any; what is tested is not certificates.
  chromiumArgs: ['--allow-loopback-in-peer-connection', '--ignore-certificate-errors'],
  firefoxPrefs: { 'media.peerconnection.ice.loopback': true, 'media.peerconnection.ice.obfuscate_host_addresses': false },
};
