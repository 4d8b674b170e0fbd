import * as pulumi from '@pulumi/pulumi';

const config = new pulumi.Config();
const service = config.require('service');
const replicas = config.requireNumber('replicas');
const regions = config.requireObject('regions');

new pulumi.Stash('settings', { input: { service, replicas, regions } });
const credentials = new pulumi.Stash('credentials', { input: config.requireSecret('token') });

export const endpoint = `https://${service}.example.com`;
export { replicas };
export const token = credentials.input;
