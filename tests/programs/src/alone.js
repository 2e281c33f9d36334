// http by address and by name, fifty at once, refusals, datagrams across the families, HTTP/2, a megabyte echoed.
const dgram = require('dgram'), http = require('http'), http2 = require('http2'), net = require('net');

const listening = s => new Promise(done => s.listen(0, () => done(s.address().port)));

async function hypertext() {
    const server = http.createServer((request, answer) => {
        let n = 0;
        request.on('data', d => n += d.length);
        request.on('end', () => answer.end(n + ' ' + request.socket.remoteFamily));
    });
    const port = await listening(server);
    const post = (host, n) => fetch(`http://${host}:${port}/`, {method: 'POST', body: 'x'.repeat(n)}).then(r => r.text());
    for (const host of ['127.0.0.1', '[::1]'])
        console.log(await post(host, 200000));
    console.log((await Promise.all([...Array(50)].map((_, i) => post('127.0.0.1', i * 1000)))).join());
    server.close();
    server.closeAllConnections();
}

function refused(options) {
    return new Promise(done => net.connect(options).on('error', e => done(console.log(e.code))));
}

async function datagrams() {
    const six = dgram.createSocket('udp6'), four = dgram.createSocket('udp4');
    await new Promise(done => six.bind(0, done));
    const came = new Promise(done => six.on('message', (m, from) => done(m + ' ' + from.address)));
    four.send('across', six.address().port, '127.0.0.1');
    console.log(await came);
    six.close();
    four.close();
}

async function second() {
    const server = http2.createServer();
    server.on('stream', s => s.end('two'));
    const session = http2.connect('http://127.0.0.1:' + await listening(server));
    const stream = session.request({':path': '/'});
    stream.setEncoding('utf8');
    let text = '';
    for await (const piece of stream)
        text += piece;
    console.log(text);
    session.close();
    server.close();
}

async function echo() {
    const server = net.createServer(s => { s.setNoDelay(); s.setKeepAlive(true, 1000); s.pipe(s); });
    const client = net.connect(await listening(server), '::1');
    let n = 0;
    client.write('a'.repeat(1e6));
    client.on('data', d => { if ((n += d.length) === 1e6) client.end(); });
    await new Promise(done => client.on('close', done));
    console.log('echoed', n);
    server.close();
}

(async () => {
    await hypertext();
    await refused({port: 1, host: '127.0.0.1'});
    await refused({port: 1, host: '::1'});
    await datagrams();
    await second();
    await echo();
})();
