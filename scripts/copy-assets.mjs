// What tsc leaves behind: migrations and the web's assets travel with the compiled files, to `dist` or to the folder that is named.
import { cpSync, existsSync } from 'node:fs';

const out = process.argv[2] ?? 'dist';
for (const dir of ['src/store/migrations', 'src/web/assets']) if (existsSync(dir)) cpSync(dir, `${out}/${dir}`, { recursive: true });
