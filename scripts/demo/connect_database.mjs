// An application that is pointed at the wrong database: the driver's error message holds the whole connection URL.
// Run with the directory of node_modules as its argument.
import { createRequire } from "node:module";
import process from "node:process";

const mariadb = createRequire(`${process.argv[2]}/`)("mariadb");
try {
  await mariadb.createConnection(process.env.DATABASE_URL);
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
