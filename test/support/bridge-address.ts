import Docker from 'dockerode';

/** Address of this machine on the engine's default bridge; undefined without an engine. */
export async function bridgeAddress(): Promise<string | undefined> {
  try {
    const network = (await new Docker()
      .getNetwork('bridge')
      .inspect()) as Docker.NetworkInspectInfo;
    const { Gateway: gateway, Subnet: subnet } = network.IPAM?.Config?.[0] ?? {};
    // An engine that was never told a gateway names none and takes the first address.
    return gateway ?? subnet?.replace(/\d+\/\d+$/, '1');
  } catch {
    return undefined;
  }
}
