// Serves express-pouchdb as it comes, over PouchDB's default storage (leveldb) in the
// directory that is its argument, on a free port, and says on which.
'use strict';

const path = require('node:path');
const express = require('express');
const expressPouchDB = require('express-pouchdb');
const PouchDB = require('pouchdb');

const [directory, mode] = process.argv.slice(2);
const app = express();
app.use('/', expressPouchDB(PouchDB.defaults({ prefix: directory + path.sep }), {
  mode,
  configPath: path.join(directory, 'config.json'),
  logPath: path.join(directory, 'log.txt'),
}));
const server = app.listen(0, '127.0.0.1', () => {
  console.log(`listening on http://127.0.0.1:${server.address().port}`);
});
process.on('SIGTERM', () => process.exit(0));
