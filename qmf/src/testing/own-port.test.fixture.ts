let given = 0;

/**
 * A port for a broker that goes and comes back. It is below those that Linux gives to other sockets (`ip_local_port_range`, 32768 and up), so
 * no test beside this one gets it meanwhile.
 */
export function ownPort(): number {
  return 20_000 + ((process.pid * 7 + given++) % 12_000);
}
