import { backends } from './backends.ts';
import { storeSuite } from './suite.ts';

for (const backend of backends) storeSuite(backend);
