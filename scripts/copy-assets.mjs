// What tsc leaves behind: migrations and the web's assets travel with the compiled files.
import { cpSync, existsSync } from 'node:fs';

for (const dir of ['src/store/migrations', 'src/web/assets']) if (existsSync(dir)) cpSync(dir, `dist/${dir}`, { recursive: true });
