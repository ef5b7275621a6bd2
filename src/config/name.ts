/** What backends, models and keys may be called: names that fit a header, a label and a file. */
import { z } from 'zod';

export const nameSchema = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._:/-]{0,127}$/, 'must be letters, digits and . _ : / -');
