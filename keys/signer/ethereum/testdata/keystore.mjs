// Prints a keystore that micro-eth-signer makes.
//
//   node keystore.mjs PRIVATE_KEY PASSPHRASE scrypt|pbkdf2
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const { privToLegacyKeystore } = await import(pathToFileURL(join(process.env.NODE_PATH, 'micro-eth-signer', 'keystore.js')));
const [key, passphrase, kdf] = process.argv.slice(2);
console.log(JSON.stringify(await privToLegacyKeystore(key, passphrase, { kdf, n: 1024, c: 1000 })));
