/** Version of the module container interface; an input or label with another number is refused. */
export const CONTRACT_VERSION = 1;
