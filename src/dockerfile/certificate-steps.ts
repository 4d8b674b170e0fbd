/** Names under which tools look for certificates: Node, Go, pip, Python's requests. */
const NAMES = ['NODE_EXTRA_CA_CERTS', 'SSL_CERT_FILE', 'PIP_CERT', 'REQUESTS_CA_BUNDLE'];
const PLACE = '/opt/certificates.pem';

/** Steps after which a stage trusts the certificates in a file of the build context; none without a file. */
export function certificateSteps(file: string | undefined): string[] {
  if (file === undefined) return [];
  return [`COPY ${file} ${PLACE}`, `ENV ${NAMES.map((name) => `${name}=${PLACE}`).join(' ')}`];
}
