// A wallet for tests: answers JSON-RPC on a loopback port, which it prints, and signs
// typed data with micro-eth-signer, whose EIP-712 shares nothing with ours. It ends with
// its standard input.
//
//   node wallet.mjs PRIVATE_KEY CHAIN_ID
import { createServer } from 'node:http';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const module = (name) => import(pathToFileURL(join(process.env.NODE_PATH, 'micro-eth-signer', name)));
const { addr, signTyped } = await module('index.js');
const { sigHash, encodeType } = await module('core/message.js');

const [key, chain] = process.argv.slice(2);
const account = addr.fromPrivateKey(key);

const methods = {
	eth_chainId: () => '0x' + BigInt(chain).toString(16),
	eth_accounts: () => [account],
	// A wallet's owner says yes to everything here.
	eth_signTypedData_v4: ([address, json]) => {
		if (address.toLowerCase() !== account.toLowerCase()) throw { code: 4100, message: 'unknown account' };
		return signTyped(JSON.parse(json), key);
	},
	// Not of a wallet: what the typed data hashes to, and the type that is hashed.
	test_hash: ([json]) => {
		const typed = JSON.parse(json);
		return [sigHash(typed), encodeType(typed.types, typed.primaryType)];
	},
};

const server = createServer(async (request, response) => {
	let text = '';
	for await (const part of request) text += part;
	const { id, method, params } = JSON.parse(text);
	const answer = { jsonrpc: '2.0', id };
	try {
		if (!methods[method]) throw { code: -32601, message: 'no such method' };
		answer.result = methods[method](params);
	} catch (e) {
		answer.error = { code: e.code ?? -32603, message: e.message };
	}
	response.setHeader('content-type', 'application/json');
	response.end(JSON.stringify(answer));
});
server.listen(0, '127.0.0.1', () => console.log('http://127.0.0.1:' + server.address().port));
process.stdin.on('end', () => process.exit(0)).resume();
