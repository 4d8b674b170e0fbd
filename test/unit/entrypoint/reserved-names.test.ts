import { describe, expect, it } from 'vitest';
import { inputName, variableName } from '../../../entrypoint/tools/opentofu/reserved-names.js';

describe('inputs whose names OpenTofu reserves', () => {
  it('reach the variable with an underscore behind', () => {
    expect(variableName('version')).toBe('version_');
    expect(inputName('version_')).toBe('version');
  });

  it.each(['name', 'name_', 'version__', '_'])('leaves %s alone', (name) => {
    expect(inputName(name)).toBe(name);
    expect(variableName(name)).toBe(name);
  });
});
