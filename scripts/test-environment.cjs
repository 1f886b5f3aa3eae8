/**
 * Jest's environment for Node with one difference: the global object is an ordinary one. Jest's own goes through a proxy at each look at `Object`,
 * `Array` or `Promise`, and whatever is done often takes twice to three times as long.
 */
const vm = require('node:vm');
const { TestEnvironment } = require('jest-environment-node');

module.exports = class Environment extends TestEnvironment {
  constructor(...args) {
    const { createContext } = vm;
    // There is no option for it: the context is made by the constructor, from a proxy.
    vm.createContext = () => createContext(vm.constants.DONT_CONTEXTIFY);
    try {
      super(...args);
    } finally {
      vm.createContext = createContext;
    }
  }
};
